-- KEYS: counters, cleared.  ARGV: shift, try, how many counters
for i, key in ipairs(KEYS) do
  if i <= tonumber(ARGV[3]) then
    redis.call('ZREM', key, ARGV[2])
  else
    redis.call('DEL', key)
  end
end
return 0
