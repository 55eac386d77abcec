-- The API keys of an owner.  ARGV: shift, horizon, key of the cut-off of everything, the owner's revocation key
if not fields[1] then
  return reply('read', 0)
end
update_horizon()
local result, found = reply('read', 0), living(ARGV[3], false)
for i = 1, #found, 2 do
  -- Another owner may have the same part of an id.
  local details = redis.call('HGET', KEYS[5], found[i] .. ':')
  if string.sub(found[i + 1], 33, 49) == ARGV[4] and details then
    result[#result + 1] = {found[i], found[i + 1], details}
  end
end
return result
