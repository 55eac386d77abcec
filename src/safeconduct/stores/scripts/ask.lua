-- KEYS[5…], where they are asked for: the record of the session that must be there, and the opaque token's.
-- ARGV: shift, horizon, issued_ms, ends_ms, how many marks, marks, cuts
if not fields[1] then
  return reply(0, 0)
end
keep_horizon()
local issued, marks = tonumber(ARGV[3]), tonumber(ARGV[5])
-- What would have said so may have been forgotten: an entry outlives the token that it ends.
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
