-- KEYS[5]: the owner's index.  ARGV: shift, horizon
if not fields[1] then
  return reply('gone', 0)
end
keep_horizon()
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', int(now))
local said = reply('read', 0)
-- All of them: an owner has no more than session_open.lua lets him have.
said[9] = redis.call('ZRANGE', KEYS[5], 0, -1, 'WITHSCORES')
return said
