-- ARGV: shift, horizon, "1" for a mark, member, expires_ms or "", lives_ms or "", margin_ms, length of the log
if not fields[1] then
  return reply(-1, 0)
end
keep_horizon()
local member = ARGV[4]

local old = redis.call('ZRANGEBYSCORE', rev, '-inf', '(' .. int(math.floor(now / 1000) - 60), 'WITHSCORES', 'LIMIT', 0, 100)
local forgotten = {}
for i = 1, #old, 2 do
  forgotten[#forgotten + 1] = old[i]
  pruned_s = math.max(pruned_s, tonumber(old[i + 1]))
end
if #forgotten > 0 then
  redis.call('HSET', meta, 'pruned_s', int(pruned_s))
  redis.call('ZREM', rev, unpack(forgotten))
  redis.call('ZREM', cut, unpack(forgotten))
end

local expiry = '+inf'
if ARGV[5] ~= '' then
  expiry = int(math.ceil(tonumber(ARGV[5]) / 1000))
elseif ARGV[6] ~= '' then
  expiry = int(math.ceil((now + math.max(horizon, tonumber(ARGV[6])) + tonumber(ARGV[7])) / 1000))
end
local changed = redis.call('ZADD', rev, 'GT', 'CH', expiry, member)
local before = -1
if ARGV[3] ~= '1' then
  before = math.max(now, stamped, tonumber(redis.call('ZSCORE', cut, member) or 0))
  changed = changed + redis.call('ZADD', cut, 'GT', 'CH', int(before), member)
end
if changed > 0 then
  local id = redis.call('XADD', log, 'MAXLEN', '~', ARGV[8], '*',
    'p', fields[8] or '0-0', 'e', fields[1], 'm', member, 'b', int(before), 'x', expiry)
  redis.call('HSET', meta, 'head', id)
end
return reply(before, 0)
