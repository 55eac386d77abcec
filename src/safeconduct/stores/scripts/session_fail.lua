-- Own arguments: request, limit
if is_gone() then
  return session_reply('gone')
end
if session.request ~= argument(1) then
  put('request', argument(1))
  put('failures', number('failures') + 1)
  if number('failures') >= tonumber(argument(2)) then
    drop(0)
    return session_reply('ended')
  end
  keep()
end
return session_reply('failed')
