-- Own arguments: issued_ms of the present token, request, level, access_ms, rights or "", and one of
-- "rotate", the arguments of rotate: a refresh token was presented too
-- "begin", position, digest, idle_ms, lifetime_ms: a refresh token was asked for
if is_gone() then
  return session_reply('gone')
end
if session.request == argument(2) then
  -- The command was sent twice.
  return session_reply('stepped', number('issued'))
end
if latest_cut() >= tonumber(argument(1)) then
  return session_reply('gone')
end
if argument(6) == 'rotate' then
  local outcome = rotate(7)
  if outcome ~= 'rotated' and outcome ~= 'retry' then
    return session_reply(outcome, 0, is_rolled_back)
  end
end
local begins = argument(6) == 'begin' and (not session.h or now >= number('expires'))
if begins then
  put('ends', math.max(number('ends'), number('created') + tonumber(argument(10))))
end
-- The session's older tokens are cut off; it continues with the new one.
cut_off(ARGV[9], number('ends'), ARGV[5], ARGV[6])
local iat = issue_time()
put('auth', iat)
put('proof', argument(3))
put('demoted', '0')
put('failures', 0)
put('request', argument(2))
put('csrf', number('csrf') + 1)
put('rights', argument(5) ~= '' and argument(5) or session.rights)
if begins then
  put('n', argument(7))
  put('h', argument(8))
  put('ph', '')
  redis.call('HDEL', key, 'salt')
  put('grace', 0)
  put('begun', iat)
  put('expires', math.min(iat + tonumber(argument(9)), number('ends')))
end
issue(iat, tonumber(argument(4)))
keep()
return session_reply('stepped', iat)
