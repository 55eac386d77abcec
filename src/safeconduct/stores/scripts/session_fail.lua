-- Own arguments: request, limit
if is_gone() then
  return told('gone')
end
if session.request ~= argument(1) then
  put('request', argument(1))
  put('failures', number('failures') + 1)
  if number('failures') >= tonumber(argument(2)) then
    drop(0)
    return told('ended')
  end
  keep()
end
return told('failed')
