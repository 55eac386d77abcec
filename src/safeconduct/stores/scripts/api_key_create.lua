-- Keep a new API key.  ARGV: shift, horizon, number, digest of its secret, its mark, key of the cut-off of everything,
-- the owner's revocation key, details, lifetime_ms, margin_ms, how many keys an owner may have
if not fields[1] then
  return reply('created', 0)
end
update_horizon()
prune()
local number, everything, owner = ARGV[3], ARGV[6], ARGV[7]
local known = redis.call('HGET', KEYS[5], number)
if known and string.sub(known, 1, 49) == ARGV[4] .. owner then
  -- The command was sent twice.
  return reply('created', number_in(known, 50, 55))
elseif known or redis.call('ZSCORE', rev, ARGV[5]) then
  return reply('taken', 0)
elseif #living(everything, true) >= 2 * tonumber(ARGV[11]) then
  return reply('full', 0)
end
local created = math.max(now, tonumber(fields[2]) + 1, latest_cut(owner, everything) + 1)
if created > last_issued then
  redis.call('HSET', meta, 'stamped', int(created))
end
local lifetime = tonumber(ARGV[9])
local expires = math.floor((created + lifetime) / 1000)
local record = ARGV[4] .. owner .. octets_of(created, 6) .. octets_of(expires, 5) .. octets_of(0, 4)
redis.call('HSET', KEYS[5], number, record, number .. ':', ARGV[8])
local left = created - now + lifetime + tonumber(ARGV[10])
if redis.call('PTTL', KEYS[5]) < left then
  redis.call('PEXPIRE', KEYS[5], int(left))
end
return reply('created', created)
