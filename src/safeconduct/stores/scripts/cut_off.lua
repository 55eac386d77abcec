-- For every script that revokes.  The log contains each change, and each names the one before it.
local function log_change(key, before, expiry, length)
  fields[8] = redis.call('XADD', log, 'MAXLEN', '~', length, '*',
    'p', fields[8] or '0-0', 'e', fields[1], 'm', key, 'b', int(before), 'x', expiry)
  redis.call('HSET', meta, 'head', fields[8])
end

-- Cut off everything issued until now, as revoke.lua does, within a script that does more.
local function cut_off(key, expires, margin, length)
  prune()
  local before = math.max(now, last_issued, tonumber(redis.call('ZSCORE', cut, key) or 0))
  local expiry = int(math.ceil((expires + margin) / 1000))
  redis.call('ZADD', cut, 'GT', int(before), key)
  redis.call('ZADD', rev, 'GT', expiry, key)
  log_change(key, before, expiry, length)
end
