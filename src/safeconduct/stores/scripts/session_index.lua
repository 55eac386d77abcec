-- KEYS[5]: the owner's index.  ARGV: shift, horizon, how many at most
if not fields[1] then
  return reply('gone', 0)
end
keep_horizon()
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', int(now))
local said = reply('read', 0)
said[9] = redis.call('ZREVRANGE', KEYS[5], 0, tonumber(ARGV[3]) - 1)
return said
