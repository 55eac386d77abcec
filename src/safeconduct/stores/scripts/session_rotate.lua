-- Own arguments: access_ms, rights or "", those of turn
if is_gone() then
  return told('gone')
end
local outcome = turn(3)
if outcome ~= 'rotated' and outcome ~= 'retry' then
  return told(outcome, 0, is_rolled_back)
end
local iat = stamp()
take_rights(argument(2))
issue(iat, tonumber(argument(1)))
keep()
return told(outcome, iat)
