-- Whether a credential was revoked.  KEYS[5…], if required: its session, and the opaque token.
-- ARGV: shift, horizon, issued_ms, ends_ms, number of marks, marks, keys of cut-offs
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
local issued, marks = tonumber(ARGV[3]), tonumber(ARGV[5])
-- The entry may have been forgotten by now: it only outlives the tokens that it revokes.
local revoked = tonumber(ARGV[4]) <= pruned_s * 1000 and 1 or 0
for i = 6, 5 + marks do
  if redis.call('ZSCORE', rev, ARGV[i]) then
    revoked = 1
  end
end
for i = 6 + marks, #ARGV do
  local before = redis.call('ZSCORE', cut, ARGV[i])
  if before and issued <= tonumber(before) then
    revoked = 1
  end
end
for i = 5, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    revoked = 1
  end
end
return reply(revoked, 0)
