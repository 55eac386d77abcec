-- Own arguments: access_ms, rights or "", those of rotate
if is_gone() then
  return session_reply('gone')
end
local outcome = rotate(3)
if outcome ~= 'rotated' and outcome ~= 'retry' then
  return session_reply(outcome, 0, is_rolled_back)
end
local iat = issue_time()
take_rights(argument(2))
issue(iat, tonumber(argument(1)))
keep()
return session_reply(outcome, iat)
