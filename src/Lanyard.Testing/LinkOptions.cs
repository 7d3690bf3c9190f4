namespace Lanyard.Testing;

/// <summary>How a link treats datagrams. Probabilities are 0 to 1 and are decided for each datagram by the internet's seed.</summary>
public sealed record LinkOptions
{
    /// <summary>The least time that a datagram takes. Default 10 ms.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Up to so much is added, evenly distributed: datagrams closer together than this may overtake each other. Default 1 ms.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How likely a datagram is lost.</summary>
    public double Loss { get; init; }

    /// <summary>How likely a datagram is delivered twice.</summary>
    public double Duplication { get; init; }

    /// <summary>How likely one bit of a datagram is flipped.</summary>
    public double Corruption { get; init; }

    /// <summary>How likely a datagram is held back by up to ten times the latency.</summary>
    public double Reordering { get; init; }
}
