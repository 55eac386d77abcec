-- KEYS[5…]: sessions.  ARGV: shift, horizon, number of shared cut-offs, their keys, the revocation key of each session
if not fields[1] then
  return reply('gone', 0)
end
update_horizon()
local shared, latest = tonumber(ARGV[3]), -1
for i = 4, 3 + shared do
  latest = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
end
local result = reply('read', 0)
for i = 5, #KEYS do
  local bounds = redis.call('HMGET', KEYS[i], 'issued', 'over', 'ends')
  local before = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i - 1 + shared]) or -1))
  local issued = tonumber(bounds[1] or -1)
  local is_alive = issued > before and not is_unknown(issued)
    and now < math.min(tonumber(bounds[2]), tonumber(bounds[3]))
  result[#result + 1] = is_alive and redis.call('HGETALL', KEYS[i]) or {}
end
return result
