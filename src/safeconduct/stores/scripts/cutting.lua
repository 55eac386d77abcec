-- For every script that ends something.  The log has each change, and names the one before it.
local function note(member, before, expiry, length)
  fields[8] = redis.call('XADD', log, 'MAXLEN', '~', length, '*',
    'p', fields[8] or '0-0', 'e', fields[1], 'm', member, 'b', int(before), 'x', expiry)
  redis.call('HSET', meta, 'head', fields[8])
end

-- Cut a thing off from now on, as revoke.lua does, within a script that does more.
local function cut_off(member, expires, margin, length)
  prune()
  local before = math.max(now, stamped, tonumber(redis.call('ZSCORE', cut, member) or 0))
  local expiry = int(math.ceil((expires + margin) / 1000))
  redis.call('ZADD', cut, 'GT', int(before), member)
  redis.call('ZADD', rev, 'GT', expiry, member)
  note(member, before, expiry, length)
end
