-- Own argument: after how many ms the next use is noted
if is_gone() then
  return session_reply('gone')
end
if now >= number('used') + tonumber(argument(1)) then
  put('used', now)
  keep()
end
return session_reply('used')
