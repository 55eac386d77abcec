-- ARGV: shift, horizon, cuts
if not fields[1] then
  return reply(0, 0)
end
keep_horizon()
prune()
local iat = math.max(now, tonumber(fields[2]) + 1)
for i = 3, #ARGV do
  iat = math.max(iat, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1) + 1)
end
-- A later cut-off must reach every token that was stamped, also one ahead of the clock.
if iat > stamped then
  redis.call('HSET', meta, 'stamped', int(iat))
end
return reply(iat, 0)
