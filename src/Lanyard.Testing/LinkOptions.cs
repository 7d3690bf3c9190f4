namespace Lanyard.Testing;

/// <summary>The properties of links. Probabilities are 0 to 1, apply to each datagram, and are drawn from the seed of the internet.</summary>
public sealed record LinkOptions
{
    /// <summary>The minimum one-way delay. Default 10 ms.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The maximum additional delay, evenly distributed. Datagrams that are sent within it may be reordered. Default 1 ms.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The probability of loss. Default 0.</summary>
    public double Loss { get; init; }

    /// <summary>The probability of duplication. Default 0.</summary>
    public double Duplication { get; init; }

    /// <summary>The probability that one bit is flipped. Default 0.</summary>
    public double Corruption { get; init; }

    /// <summary>The probability of an additional delay of up to ten times the latency. Default 0.</summary>
    public double Reordering { get; init; }
}
