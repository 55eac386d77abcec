-- Return an API key, and note its use if the secret is right.  ARGV: shift, horizon, number, digest of the secret that was
-- shown, its mark, key of the cut-off of everything, how often the use is noted in milliseconds
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
local kept = redis.call('HMGET', KEYS[5], ARGV[3], ARGV[3] .. ':')
local record = kept[1]
if not record or not kept[2] or redis.call('ZSCORE', rev, ARGV[5]) or has_ended(record, ARGV[6]) then
  return reply(1, 0)
end
local every = math.floor(tonumber(ARGV[7]) / 1000)
local seconds = math.floor(now / 1000)
-- Both are digests, so that the time of the comparison tells nothing of the secret; the caller compares them once more.
if string.sub(record, 1, 32) == ARGV[4] and math.abs(seconds - number_in(record, 61, 64)) >= every then
  -- May fail for lack of memory: the use is noted later.
  redis.pcall('HSET', KEYS[5], ARGV[3], string.sub(record, 1, 60) .. octets_of(seconds, 4))
end
local result = reply(0, 0)
result[9], result[10] = record, kept[2]
return result
