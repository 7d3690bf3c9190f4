using System.Security.Cryptography;

namespace Lanyard.Testing;

/// <summary>A repeatable source of random numbers for a simulated node. Not for cryptography.</summary>
internal sealed class SeededGenerator(ulong seed) : RandomNumberGenerator
{
    private readonly object _lock = new();
    private readonly SimulationRandom _random = new(seed);

    public override void GetBytes(byte[] data) => GetBytes(data.AsSpan());

    public override void GetBytes(Span<byte> data)
    {
        lock (_lock)
            _random.Fill(data);
    }
}
