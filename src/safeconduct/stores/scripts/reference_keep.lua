-- KEYS[5]: the token.  ARGV: shift, horizon, issued_ms, ends_ms, marks, cuts, claims, margin_ms
if not fields[1] then
  return reply(0, 0)
end
keep_horizon()
local left = tonumber(ARGV[4]) - now + tonumber(ARGV[8])
if left > 0 then
  redis.call('HSET', KEYS[5], 'issued', ARGV[3], 'ends', ARGV[4], 'marks', ARGV[5], 'cuts', ARGV[6], 'claims', ARGV[7])
  redis.call('PEXPIRE', KEYS[5], int(left))
end
return reply(0, 0)
