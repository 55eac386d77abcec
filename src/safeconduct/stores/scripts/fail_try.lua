-- KEYS: counters.  ARGV: shift, try.  A try that failed is no longer under way: it gets a mark behind its name.
for _, key in ipairs(KEYS) do
  local score = redis.call('ZSCORE', key, ARGV[2])
  if score then
    redis.call('ZREM', key, ARGV[2])
    redis.call('ZADD', key, score, ARGV[2] .. '!')
  end
end
return 0
