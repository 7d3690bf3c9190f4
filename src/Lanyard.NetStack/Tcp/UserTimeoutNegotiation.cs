namespace Lanyard.NetStack;

/// <summary>Agrees with the peer on the user timeout (RFC 5482).</summary>
internal readonly ref struct UserTimeoutNegotiation(TcpContext context, TcpSender sender)
{
    // The bounds in seconds of the user timeout that the peer may announce (section 3.1).
    private const long MinAdopted = 100;
    private const long MaxAdopted = 3_600;

    /// <summary>Adopts the user timeout that the peer announces, if the settings allow that.</summary>
    /// <param name="seconds">The timeout; 0 if the peer announces none.</param>
    public void Receive(int seconds)
    {
        if (seconds > 0 && context.Options.NegotiateUserTimeout && context.Options.UserTimeout == TimeSpan.Zero)
            sender.SetUserTimeout(Math.Min(Math.Max(seconds, MinAdopted), MaxAdopted) * Microseconds.PerSecond);
    }

    /// <summary>Applies changed settings. A timeout adopted from the peer stays, unless the settings name one or end the negotiation.</summary>
    /// <returns>Whether the peer must be told of a new timeout.</returns>
    public bool Configure()
    {
        var options = context.Options;
        var timeout = Microseconds.From(options.UserTimeout);
        if (timeout == 0 && options.NegotiateUserTimeout)
            return false;
        var changed = sender.UserTimeout != timeout;
        sender.SetUserTimeout(timeout);
        return changed && timeout > 0 && options.NegotiateUserTimeout;
    }
}
