-- A page of a shard's revocations, by rising score: it changes nothing.  Scores only grow and only what has ended is
-- forgotten, so going on from a page's last score misses nothing, and meets some entries twice.
-- KEYS[1]: "rev" or "cut".  ARGV: lowest score, how many at most, the letters of the kinds that are wanted, "" for all
-- Returns how many there were, the last score, and of each 17 bytes of its member and 13 digits of its score.
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', '0', ARGV[2])
local count, records = #found / 2, table.concat(found)
if ARGV[3] ~= '' or #records ~= 30 * count then
  local wanted = {}
  for i = 1, #found, 2 do
    local member = found[i]
    if #member == 17 and (ARGV[3] == '' or string.find(ARGV[3], string.sub(member, 1, 1), 1, true)) then
      wanted[#wanted + 1] = member .. string.format('%013.0f', math.min(tonumber(found[i + 1]), 4294967295000))
    end
  end
  records = table.concat(wanted)
end
return {count, found[#found] or ARGV[1], records}
