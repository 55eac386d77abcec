-- KEYS[5]: the owner's index.  ARGV: shift, horizon
if not fields[1] then
  return reply('gone', 0)
end
update_horizon()
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', int(now))
local result = reply('read', 0)
-- All of them: session_open.lua limits how many an owner has.
result[9] = redis.call('ZRANGE', KEYS[5], 0, -1, 'WITHSCORES')
return result
