-- A page of a shard's revocations in little room.  It changes nothing.
-- KEYS[1]: "rev" or "cut".  ARGV: cursor, how many at about, base, the letters of the kinds that are wanted
-- Returns the next cursor and, for each entry, seven bytes of its digest and its score's distance from the base in four.
local found = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local members, base, records = found[2], tonumber(ARGV[3]), {}
for i = 1, #members, 2 do
  local member = members[i]
  if #member == 17 and string.find(ARGV[4], string.sub(member, 1, 1), 1, true) then
    local distance = math.min(math.max(tonumber(members[i + 1]) - base, 0), 4294967295)
    records[#records + 1] = struct.pack('>c7I4', string.sub(member, 2, 8), distance)
  end
end
return {found[1], table.concat(records)}
