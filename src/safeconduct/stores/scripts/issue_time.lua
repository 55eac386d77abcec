-- The iat_ms of a new token.  ARGV: shift, horizon, keys of cut-offs
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
prune()
local iat = math.max(now, tonumber(fields[2]) + 1)
for i = 3, #ARGV do
  iat = math.max(iat, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1) + 1)
end
-- A later cut-off must revoke every token issued before, also one that was issued ahead of the clock.
if iat > last_issued then
  redis.call('HSET', meta, 'stamped', int(iat))
end
return reply(iat, 0)
