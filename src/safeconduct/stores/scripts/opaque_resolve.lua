-- Return the claims of an opaque token, unless it was revoked.  KEYS[5]: the token.  KEYS[6]: its session.
-- ARGV: shift, horizon, length of a revocation key
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
local kept = redis.call('HMGET', KEYS[5], 'issued', 'ends', 'marks', 'cuts', 'claims')
if not kept[5] or redis.call('EXISTS', KEYS[6]) == 0 then
  return reply(1, 0)
end
local issued, length = tonumber(kept[1]), tonumber(ARGV[3])
check_witness(token_tag, issued)
-- As in ask.lua.
local revoked = tonumber(kept[2]) <= pruned_s * 1000 and 1 or 0
for i = 1, #kept[3], length do
  if redis.call('ZSCORE', rev, string.sub(kept[3], i, i + length - 1)) then
    revoked = 1
  end
end
for i = 1, #kept[4], length do
  local before = redis.call('ZSCORE', cut, string.sub(kept[4], i, i + length - 1))
  if before and issued <= tonumber(before) then
    revoked = 1
  end
end
local result = reply(revoked, issued)
result[9] = kept[5]
return result
