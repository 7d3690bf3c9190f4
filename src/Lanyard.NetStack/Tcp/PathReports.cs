using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Applies to one connection what is learned about its path: ICMP errors, unreachable neighbors, changed paths and MTUs.</summary>
internal readonly ref struct PathReports(TcpContext context, ConnectionState state, SendSequence sequence, TcpSender sender)
{
    /// <summary>Handles an ICMP error that quotes a segment of this connection.</summary>
    /// <param name="quotedSequence">The sequence number of the segment.</param>
    /// <param name="error">The error.</param>
    /// <returns>Whether the segment is in flight, so that it can have met an error (RFC 5927 section 4.1).</returns>
    public bool OnIcmpError(uint quotedSequence, IcmpError error)
    {
        var quoted = SequenceNumber.Unwrap(quotedSequence, sequence.Unacknowledged);
        if (state.IsOver || quoted < sequence.Unacknowledged || quoted >= sequence.Next)
            return false;
        if (error.Error == NetError.MessageTooLong)
        {
            context.Host.PathMtus.Lower(context.Remote.Address, error.Mtu);
            if (!state.IsOpening)
                sender.LowerMss(SegmentSize.ToSend(context), context.Host.Now);
            state.RequestSettle();
        }
        else if (error.IsHard && state.IsOpening)
        {
            state.Fail(error.Error);
        }
        else
        {
            // Errors may be forged or pass, so they do not end an established connection (RFC 5927 section 5.2).
            state.OnSoftError(error.Error);
        }

        return true;
    }

    /// <summary>Handles the failure to resolve a neighbor's address.</summary>
    /// <param name="neighbor">The neighbor.</param>
    /// <returns>Whether the connection is opening through that neighbor and must fail.</returns>
    public bool OnNeighborFailed(NeighborEntry neighbor)
    {
        if (!ReferenceEquals(context.NextHop.Neighbor, neighbor))
            return false;
        state.OnSoftError(NetError.HostUnreachable);
        return state.State == TcpState.SynSent;
    }

    /// <summary>Handles a change of the path to a neighbor: repeats segments at once that were repeated in vain.</summary>
    /// <param name="neighbor">The neighbor's Ethernet address.</param>
    /// <param name="now">The time in microseconds.</param>
    public void OnPathChanged(MacAddress neighbor, long now)
    {
        if (context.IsNextHop(neighbor) && (state.IsOpening ? context.SynTimer.TryHasten(now) : sender.RetransmitSoon(now)))
            state.RequestSettle();
    }

    /// <summary>Adapts the segment size to the host's new MTU.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void OnMtuChanged(long now)
    {
        if (state.IsOpening || state.IsOver)
            return;
        var mss = SegmentSize.ToSend(context);
        if (mss < sender.Mss)
            sender.LowerMss(mss, now);
        else
            sender.UseSegmentSize(mss);
        state.RequestSettle();
    }
}
