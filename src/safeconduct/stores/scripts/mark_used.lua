-- Mark a token as used.  KEYS[5]: its use.  ARGV: shift, horizon, id of the use, issued_ms, ends_ms, margin_ms, length of
-- the log, the token's mark, number of marks, marks, keys of cut-offs
if not fields[1] then
  return reply('revoked', 0)
end
update_horizon()
-- The command may be sent twice, and is one use.
local used_by = redis.call('GET', KEYS[5])
if used_by then
  if used_by == ARGV[3] then
    -- Some servers wait for the replicas only after a write of the same connection.
    redis.call('HSET', meta, 'beat', int(now))
    return reply('first', 0)
  end
  return reply('used', 0)
end
-- As in ask.lua.
local issued, ends, marks = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[9])
local is_revoked = ends <= math.max(now, pruned_s * 1000)
for i = 10, 9 + marks do
  is_revoked = is_revoked or redis.call('ZSCORE', rev, ARGV[i])
end
for i = 10 + marks, #ARGV do
  local before = redis.call('ZSCORE', cut, ARGV[i])
  is_revoked = is_revoked or (before and issued <= tonumber(before))
end
if is_revoked then
  return reply('revoked', 0)
end
prune()
-- The mark is a revocation, and its log tells whether the data was set back to before the use.  It is written first: if
-- memory runs out in between, the token counts as revoked.
local expires = ends + tonumber(ARGV[6])
redis.call('ZADD', rev, int(math.ceil(expires / 1000)), ARGV[8])
log_change(ARGV[8], -1, int(math.ceil(expires / 1000)), ARGV[7])
redis.call('SET', KEYS[5], ARGV[3], 'PX', int(expires - now))
return reply('first', 0)
