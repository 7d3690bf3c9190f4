namespace Lanyard.NetStack.Tests;

/// <summary>Draws the options of a TCP connection that any test may vary.</summary>
internal static class RandomTcpOptions
{
    /// <param name="random">The source.</param>
    /// <param name="minBufferBytes">The smallest initial buffer in bytes.</param>
    /// <param name="minSegmentBytes">The smallest limit on segments in bytes.</param>
    public static TcpOptions Next(Random random, int minBufferBytes, int minSegmentBytes) => new()
    {
        NoDelay = random.Next(2) == 0,
        Timestamps = random.Next(4) != 0,
        SelectiveAcknowledgments = random.Next(3) != 0,
        WindowScaling = random.Next(4) != 0,
        Congestion = (CongestionAlgorithm)random.Next(3),
        Pacing = random.Next(4) == 0,
        Ecn = (EcnMode)random.Next(3),
        InitialReceiveBufferBytes = random.Next(2) == 0 ? 256 << 10 : minBufferBytes + random.Next(100_000),
        InitialSendBufferBytes = random.Next(2) == 0 ? 256 << 10 : minBufferBytes + random.Next(100_000),
        MaxSegmentBytes = random.Next(4) == 0 ? minSegmentBytes + random.Next(1_000) : 0,
    };
}
