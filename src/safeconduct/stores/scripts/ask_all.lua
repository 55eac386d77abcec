-- ARGV: shift, horizon, then of each question: issued_ms, ends_ms, how many marks, how many cuts, marks, cuts
if not fields[1] then
  return reply(0, 0)
end
keep_horizon()
-- One bit for each question, the first one's the lowest.
local at, bit, ended = 3, 1, 0
while at <= #ARGV do
  local issued, marks, cuts = tonumber(ARGV[at]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local revoked = tonumber(ARGV[at + 1]) <= pruned_s * 1000
  for i = at + 4, at + 3 + marks do
    if redis.call('ZSCORE', rev, ARGV[i]) then
      revoked = true
    end
  end
  for i = at + 4 + marks, at + 3 + marks + cuts do
    local before = redis.call('ZSCORE', cut, ARGV[i])
    if before and issued <= tonumber(before) then
      revoked = true
    end
  end
  if revoked then
    ended = ended + bit
  end
  at, bit = at + 4 + marks + cuts, bit * 2
end
return reply(ended, 0)
