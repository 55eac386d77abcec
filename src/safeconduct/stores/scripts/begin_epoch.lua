-- ARGV: shift, horizon, reason, name and start of the epoch that the caller knew or "", name of a new one
if not fields[1] then
  fields[1], fields[2], fields[3] = ARGV[6], int(now), ARGV[3]
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', fields[3])
elseif ARGV[3] == 'lost' and fields[1] ~= ARGV[4] then
  fields[3] = 'lost'
  -- An epoch no younger than the one that is missed comes from an old copy: nobody knows what happened since.
  if ARGV[4] ~= '' and tonumber(fields[2]) <= tonumber(ARGV[5]) then
    fields[2] = int(now)
  end
  redis.call('HSET', meta, 'epoch_ms', fields[2], 'reason', 'lost')
end
keep_horizon()
return reply(0, 0)
