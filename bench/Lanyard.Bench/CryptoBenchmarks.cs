using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Lanyard.Wire;
using Lanyard.Wire.Crypto;
using Perfolizer.Horology;

namespace Lanyard.Bench;

/// <summary>Ciphers and authenticators over one packet's payload; the rate is in MiB of payload per second.</summary>
[Config(typeof(ThroughputConfig))]
public class PacketCryptoBenchmarks : IDisposable
{
    private readonly byte[] _key = new byte[32];
    private readonly byte[] _nonce = new byte[8];
    private readonly byte[] _header = new byte[11];
    private readonly byte[] _tag = new byte[16];
    private readonly AesGmacSiv _aes = new(new byte[32], new byte[32]);
    private readonly byte[] _sealedTag = new byte[16];
    private byte[] _payload = [];
    private byte[] _sealed = [];

    /// <summary>The payload's length in bytes: a packet on an Ethernet-sized path, and a large message for comparison.</summary>
    [Params(1400, 16384)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _payload = new byte[Length];
        _sealed = new byte[Length];
        _aes.Encrypt(_nonce, _header, _sealed, _sealedTag);
    }

    [Benchmark]
    public void Salsa2012() => Salsa20.Transform12(_key, _nonce, 1, _payload);

    [Benchmark]
    public void Salsa2020() => Salsa20.Transform20(_key, _nonce, 1, _payload);

    [Benchmark]
    public void Poly1305Tag() => Poly1305.Compute(_key, _payload, _tag);

    [Benchmark]
    public void Salsa2012Poly1305Seal() => Salsa20Poly1305.Seal(_key, _nonce, _payload, _tag.AsSpan(0, 8));

    [Benchmark]
    public void AesGmacSivEncrypt() => _aes.Encrypt(_nonce, _header, _payload, _tag);

    /// <summary>Includes copying the message, since decryption is in place.</summary>
    [Benchmark]
    public bool AesGmacSivDecrypt()
    {
        _sealed.AsSpan().CopyTo(_payload);
        return _aes.TryDecrypt(_sealedTag, _header, _payload);
    }

    public void Dispose()
    {
        _aes.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Public-key operations and the hash behind addresses.</summary>
[Config(typeof(InProcessConfig))]
public class IdentityBenchmarks : IDisposable
{
    private readonly Identity _mine = Create(1);
    private readonly Identity _theirs = Create(2);
    private readonly byte[] _message = new byte[200];
    private readonly byte[] _key = new byte[Identity.AgreedKeySize];
    private readonly byte[] _signature = new byte[Identity.SignatureSize];

    [GlobalSetup]
    public void Setup() => _mine.Sign(_message, _signature);

    [Benchmark]
    public bool Agree() => _mine.TryAgree(_theirs, _key);

    [Benchmark]
    public void Sign() => _mine.Sign(_message, _signature);

    [Benchmark]
    public bool Verify() => _mine.Verify(_message, _signature);

    [Benchmark]
    public bool Validate() => _theirs.Validate();

    public void Dispose()
    {
        _mine.Dispose();
        _theirs.Dispose();
        GC.SuppressFinalize(this);
    }

    private static Identity Create(int seed) => Identity.Generate(new Random(seed).NextBytes);
}

/// <summary>Measures in this process: the libraries under test are the ones that were just built.</summary>
internal class InProcessConfig : ManualConfig
{
    public InProcessConfig() =>
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(4)
            .WithIterationCount(8)
            .WithIterationTime(TimeInterval.FromMilliseconds(200)));
}

/// <summary>Adds the rate to the table.</summary>
internal sealed class ThroughputConfig : InProcessConfig
{
    public ThroughputConfig() => AddColumn(new RateColumn());

    private sealed class RateColumn : IColumn
    {
        public string Id => nameof(RateColumn);

        public string ColumnName => "MiB/s";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => "MiB (2^20 bytes) of payload per second";

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
        {
            var nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Mean;
            var length = (int)benchmarkCase.Parameters["Length"];
            return nanoseconds is { } time ? $"{length / time * 1e9 / (1 << 20):F0}" : "-";
        }
    }
}
