-- KEYS: counters, cleared.  ARGV: shift, try, how many counters, how many bytes of a try tell the spelling
local tag = string.sub(ARGV[2], 1, tonumber(ARGV[4]))
for i, key in ipairs(KEYS) do
  if i <= tonumber(ARGV[3]) then
    redis.call('ZREM', key, ARGV[2])
  else
    for _, try in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if string.sub(try, 1, #tag) == tag then
        redis.call('ZREM', key, try)
      end
    end
  end
end
return 0
