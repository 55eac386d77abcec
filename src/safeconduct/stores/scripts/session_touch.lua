-- Own argument: after how many ms a use is noted again
if is_gone() then
  return told('gone')
end
if now >= number('used') + tonumber(argument(1)) then
  put('used', now)
  keep()
end
return told('used')
