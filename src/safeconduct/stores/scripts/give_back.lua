-- Remove a try from its counters, and from others every try with the same tag.  KEYS: its counters, those to clear.
-- ARGV: shift, id of the try, number of its counters, length of the tag
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
