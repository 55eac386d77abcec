-- Mark a try as failed by one more byte after its id.  KEYS: counters.  ARGV: shift, id of the try
for _, key in ipairs(KEYS) do
  local score = redis.call('ZSCORE', key, ARGV[2])
  if score then
    redis.call('ZREM', key, ARGV[2])
    redis.call('ZADD', key, score, ARGV[2] .. '!')
  end
end
return 0
