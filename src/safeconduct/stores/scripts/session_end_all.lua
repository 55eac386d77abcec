-- KEYS[5]: the owner's index.  ARGV: shift, horizon, member, lives_ms, margin_ms, length of the log
if not fields[1] then
  return reply('gone', 0)
end
keep_horizon()
cut_off(ARGV[3], now + math.max(horizon, tonumber(ARGV[4])), ARGV[5], ARGV[6])
-- The records are over by the cut-off; they lie on this slot, and would stay until their end.
local start = string.sub(rev, 1, #rev - #'rev') .. 'ses:'
for _, name in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
  redis.call('DEL', start .. name)
end
redis.call('DEL', KEYS[5])
return reply('ended', 0)
