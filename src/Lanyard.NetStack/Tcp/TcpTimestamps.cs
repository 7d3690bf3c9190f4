using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The timestamps of one connection, and protection against wrapped sequence numbers by them (PAWS, RFC 7323).</summary>
internal struct TcpTimestamps(uint offset)
{
    // A recent timestamp older than this proves nothing (RFC 7323 section 5.5).
    private const long Lifetime = 24L * 86_400 * Microseconds.PerSecond;

    private long _recentAt;

    /// <summary>Whether both ends use timestamps.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>The peer's timestamp to echo: TS.Recent.</summary>
    public uint Recent { get; private set; }

    /// <summary>The acknowledgment number sent last: Last.ACK.sent.</summary>
    public long LastAckSent { get; set; }

    /// <summary>Returns a clock in milliseconds.</summary>
    /// <param name="time">The time in microseconds.</param>
    public static uint Clock(long time) => (uint)(time / Microseconds.PerMillisecond);

    /// <summary>Returns the offset between the clock and the timestamps sent to one address. It hides the clock from other addresses.</summary>
    /// <param name="secrets">The host's secrets.</param>
    /// <param name="local">The host's address.</param>
    /// <param name="remote">The peer's address.</param>
    public static uint OffsetOf(HostSecrets secrets, InetAddress local, InetAddress remote) => (uint)secrets.Hash(
        HostSecrets.Purpose.TimestampOffset, local.V6High, local.V6Low ^ local.V4, remote.V6High, remote.V6Low ^ remote.V4);

    /// <summary>Returns the timestamp of a segment.</summary>
    /// <param name="time">When the segment is sent, in microseconds.</param>
    public readonly uint At(long time) => Clock(time) + offset;

    /// <summary>Disables timestamps, because one end does not support them.</summary>
    public void Disable() => IsEnabled = false;

    /// <summary>Enables timestamps.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="timestamp">The timestamp of the peer's SYN.</param>
    public void Enable(long now, uint timestamp)
    {
        IsEnabled = true;
        Recent = timestamp;
        _recentAt = now;
    }

    /// <summary>Whether a segment is an old duplicate by its timestamp.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The options of the segment.</param>
    public readonly bool IsTooOld(long now, in TcpSegmentOptions options) => IsEnabled && options.HasTimestamp
        && (int)(options.Timestamp - Recent) < 0 && now - _recentAt < Lifetime;

    /// <summary>Remembers the timestamp of an acceptable segment. Of segments acknowledged together, the earliest counts (RFC 7323 section 4.3).</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The options of the segment.</param>
    /// <param name="sequence">The sequence number of the segment.</param>
    public void OnReceived(long now, in TcpSegmentOptions options, long sequence)
    {
        if (!IsEnabled || !options.HasTimestamp || sequence > LastAckSent)
            return;
        Recent = options.Timestamp;
        _recentAt = now;
    }
}
