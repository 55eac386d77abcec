-- KEYS[5…]: records.  ARGV: shift, horizon, how many common cuts, those, the member of each session
if not fields[1] then
  return reply('gone', 0)
end
keep_horizon()
local commons, latest = tonumber(ARGV[3]), -1
for i = 4, 3 + commons do
  latest = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
end
local said = reply('read', 0)
for i = 5, #KEYS do
  local bounds = redis.call('HMGET', KEYS[i], 'issued', 'over', 'ends')
  local before = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i - 1 + commons]) or -1))
  local issued = tonumber(bounds[1] or -1)
  local stands = issued > before and not is_unknown(issued) and now < math.min(tonumber(bounds[2]), tonumber(bounds[3]))
  said[#said + 1] = stands and redis.call('HGETALL', KEYS[i]) or {}
end
return said
