-- Own arguments: issued_ms of the token that asks, request, level, access_ms, rights or "", and, where a refresh token
-- came along, those of turn
if is_gone() then
  return told('gone')
end
if session.request == argument(2) then
  -- The command came twice.
  return told('stepped', number('issued'))
end
if latest_cut() >= tonumber(argument(1)) then
  return told('gone')
end
if argument(6) then
  local outcome = turn(6)
  if outcome ~= 'rotated' and outcome ~= 'retry' then
    return told(outcome, 0, is_rolled_back)
  end
end
-- The older tokens of the session end, and it goes on with this one.
cut_off(ARGV[8], number('ends'), ARGV[5], ARGV[6])
local iat = stamp()
put('auth', iat)
put('proof', argument(3))
put('demoted', '0')
put('failures', 0)
put('request', argument(2))
put('csrf', number('csrf') + 1)
put('rights', argument(5) ~= '' and argument(5) or session.rights)
issue(iat, tonumber(argument(4)))
keep()
return told('stepped', iat)
