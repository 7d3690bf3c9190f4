using System.Diagnostics;
using System.Runtime.InteropServices;
using Lanyard.Wire.Crypto;

namespace Lanyard.Bench.Peers.Report;

/// <summary>The machine and time of a run.</summary>
internal sealed record Machine(DateTimeOffset Date, string Processor, int Cores, string System, string Runtime, string Command)
{
    public static Machine Describe(string command)
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return new Machine(
            DateTimeOffset.UtcNow, model?.Split(':')[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString(), Environment.ProcessorCount,
            $"Linux {kernel}", RuntimeInformation.FrameworkDescription, command);
    }
}

/// <summary>The speed of the packets' cipher on one core.</summary>
internal sealed record CipherLimit(double EncryptMegabits, double DecryptMegabits)
{
    private const int PacketBytes = 1400;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(0.5);

    public static CipherLimit Measure()
    {
        using var cipher = new AesGmacSiv(new byte[32], new byte[32]);
        var (iv, tag, packet) = (new byte[8], new byte[16], new byte[PacketBytes]);
        for (var warmUp = 0; warmUp < 3; warmUp++)
        {
            Rate(() => cipher.Encrypt(iv, [], packet, tag), Duration / 5);
            Rate(() => cipher.TryDecrypt(tag, [], packet), Duration / 5);
        }

        return new CipherLimit(Rate(() => cipher.Encrypt(iv, [], packet, tag), Duration), Rate(() => cipher.TryDecrypt(tag, [], packet), Duration));
    }

    private static double Rate(Action packet, TimeSpan duration)
    {
        const int Batch = 100;
        var (start, packets) = (Stopwatch.GetTimestamp(), 0L);
        for (; Stopwatch.GetElapsedTime(start) < duration; packets += Batch)
        {
            for (var i = 0; i < Batch; i++)
                packet();
        }

        return packets * PacketBytes * 8 / Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
}
