-- Own arguments: lifetime_ms, access_ms, idle_ms or "", names and values of the record
if session.issued then
  -- The command came twice.
  return told('opened', number('issued'))
end
local iat, idle = stamp(), argument(3)
put('created', iat)
put('auth', iat)
put('ends', iat + tonumber(argument(1)))
if idle ~= '' then
  put('begun', iat)
  put('expires', math.min(iat + tonumber(idle), number('ends')))
end
for i = own + 4, #ARGV, 2 do
  put(ARGV[i], ARGV[i + 1])
end
issue(iat, tonumber(argument(2)))
keep()
return told('opened', iat)
