-- KEYS[5]: the owner's index.  ARGV: shift, horizon, the owner's revocation key, lives_ms, margin_ms, length of the log
if not fields[1] then
  return reply('gone', 0)
end
update_horizon()
cut_off(ARGV[3], now + math.max(horizon, tonumber(ARGV[4])), ARGV[5], ARGV[6])
-- The cut-off has ended the sessions; their hashes are on this slot, and would stay until they expire.
local key_prefix = string.sub(rev, 1, #rev - #'rev') .. 'ses:'
for _, name in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
  redis.call('DEL', key_prefix .. name)
end
redis.call('DEL', KEYS[5])
return reply('ended', 0)
