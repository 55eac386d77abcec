-- Whether each of several credentials was revoked.  ARGV: shift, horizon, then for each query: issued_ms, ends_ms,
-- number of marks, number of cut-offs, marks, keys of cut-offs
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
-- One bit for each query, the lowest for the first.
local at, bit, result = 3, 1, 0
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
    result = result + bit
  end
  at, bit = at + 4 + marks + cuts, bit * 2
end
return reply(result, 0)
