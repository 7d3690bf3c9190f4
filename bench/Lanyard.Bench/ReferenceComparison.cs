using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Lanyard.Wire;
using Lanyard.Wire.Crypto;

namespace Lanyard.Bench;

/// <summary>
/// <c>reference</c>: runs the self-test of the reference implementation, a program that ZEROTIER_SELFTEST in the environment names, then the same
/// work here, on one core, and prints both with their ratios.
/// </summary>
internal static partial class ReferenceComparison
{
    private const double Mebibyte = 1 << 20;

    /// <summary>The self-test divides the time of 1000 signatures by 50, and signs a message of 16 KiB, hash and all.</summary>
    private const double SignaturesPerPrintedOne = 1000 / 50.0;

    private const int MessageBytes = 16_384;
    private const int StreamBytes = 1_234_567;

    private static readonly TimeSpan SelfTestLimit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan MeasuringTime = TimeSpan.FromSeconds(1);

    public static int Run()
    {
        if (Environment.GetEnvironmentVariable("ZEROTIER_SELFTEST") is not { Length: > 0 } program || !File.Exists(program))
        {
            Console.Error.WriteLine("ZEROTIER_SELFTEST does not name the reference's self-test program.");
            return 1;
        }

        var reference = RunSelfTest(program);
        Console.WriteLine("| one core | unit | reference's self-test | Lanyard | times as fast |");
        Console.WriteLine("|---|---|---|---|---|");
        Rate("Salsa20/12, its assembler", Find(reference, SalsaAssembler()), StreamRate());
        Rate("Salsa20/12, its C++", Find(reference, Salsa()), StreamRate());
        Rate("Poly1305", Find(reference, Poly()), PolyRate());
        Rate("AES-GMAC-SIV", Find(reference, Aes()), AesRate());
        Time("X25519 agreement and its hash", 1000 * Find(reference, Agreement()), AgreementTime());
        Time("Ed25519 signature of 16 KiB", 1000 * Find(reference, Signature()) / SignaturesPerPrintedOne, SignatureTime(MessageBytes));
        Time("Ed25519 signature of 200 bytes", null, SignatureTime(200));
        Time("Ed25519 verification, 200 bytes", null, VerificationTime());
        Time("identity validation", 1000 * Find(reference, Validation()), ValidationTime());
        Time("identity generation, mean of a few: luck decides", 1000 * FindMean(reference, Generation()), GenerationTime());
        return 0;
    }

    private static string RunSelfTest(string program)
    {
        using var process = Process.Start(new ProcessStartInfo(program) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })
            ?? throw new InvalidOperationException($"'{program}' did not start.");
        using var guard = new Timer(_ => process.Kill(), null, SelfTestLimit, Timeout.InfiniteTimeSpan);
        var lines = new List<string>();

        // What follows the identities has no figures in it.
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
            if (lines.Count(l => l.StartsWith("[identity] Generate", StringComparison.Ordinal)) > 0 && !line.StartsWith("[identity]", StringComparison.Ordinal))
                break;
        }

        process.Kill();
        process.WaitForExit();
        return string.Join('\n', lines);
    }

    private static double? Find(string text, Regex figure) =>
        figure.Match(text) is { Success: true } match ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : null;

    private static double? FindMean(string text, Regex figure) =>
        figure.Matches(text) is { Count: > 0 } matches ? matches.Average(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)) : null;

    private static void Rate(string what, double? reference, double own) => Row(what, "MiB/s", reference, own, own / reference);

    private static void Time(string what, double? reference, double own) => Row(what, "us", reference, own, reference / own);

    private static void Row(string what, string unit, double? reference, double own, double? ratio) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"| {what} | {unit} | {(reference is { } value ? Figure(value) : "-")} | {Figure(own)} | {(ratio is { } times ? $"{times:F2}" : "-")} |"));

    private static string Figure(double value) => value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static double StreamRate()
    {
        var (key, nonce, data) = (new byte[32], new byte[8], new byte[StreamBytes]);
        return StreamBytes / Mebibyte / Seconds(() => Salsa20.Transform12(key, nonce, 1, data));
    }

    private static double PolyRate()
    {
        var (key, data, tag) = (new byte[32], new byte[StreamBytes], new byte[16]);
        return StreamBytes / Mebibyte / Seconds(() => Poly1305.Compute(key, data, tag));
    }

    private static double AesRate()
    {
        using var cipher = new AesGmacSiv(new byte[32], new byte[32]);
        var (iv, data, tag) = (new byte[8], new byte[MessageBytes], new byte[16]);
        return MessageBytes / Mebibyte / Seconds(() => cipher.Encrypt(iv, [], data, tag));
    }

    private static double AgreementTime()
    {
        using var mine = Generate(1);
        using var theirs = Generate(2);
        var key = new byte[Identity.AgreedKeySize];
        return 1e6 * Seconds(() => mine.TryAgree(theirs, key));
    }

    private static double SignatureTime(int messageBytes)
    {
        using var identity = Generate(1);
        var (message, signature) = (new byte[messageBytes], new byte[Identity.SignatureSize]);
        return 1e6 * Seconds(() => identity.Sign(message, signature));
    }

    private static double VerificationTime()
    {
        using var identity = Generate(1);
        var (message, signature) = (new byte[200], new byte[Identity.SignatureSize]);
        identity.Sign(message, signature);
        return 1e6 * Seconds(() => identity.Verify(message, signature));
    }

    private static double ValidationTime()
    {
        using var identity = Generate(1);
        return 1e6 * Seconds(() => identity.Validate());
    }

    private static double GenerationTime()
    {
        const int identities = 6;
        var start = Stopwatch.GetTimestamp();
        for (var seed = 0; seed < identities; seed++)
            Generate(seed + 100).Dispose();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / identities;
    }

    private static Identity Generate(int seed) => Identity.Generate(new Random(seed).NextBytes);

    /// <summary>The mean time of an operation in seconds, once the runtime has compiled it for good.</summary>
    private static double Seconds(Action operation)
    {
        for (var warmUp = 0; warmUp < 3; warmUp++)
        {
            Measure(operation, MeasuringTime / 6);
            Thread.Sleep(150);
        }

        return Measure(operation, MeasuringTime);
    }

    private static double Measure(Action operation, TimeSpan duration)
    {
        var (start, count) = (Stopwatch.GetTimestamp(), 0L);
        for (; Stopwatch.GetElapsedTime(start) < duration; count++)
            operation();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / count;
    }

    [GeneratedRegex(@"Salsa20/12 fast x64 ASM\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex SalsaAssembler();

    [GeneratedRegex(@"Benchmarking Salsa20/12\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Salsa();

    [GeneratedRegex(@"Benchmarking Poly1305\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Poly();

    [GeneratedRegex(@"Benchmarking AES-GMAC-SIV\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Aes();

    [GeneratedRegex(@"key agreement\.\.\. ([\d.e+-]+)ms per agreement")]
    private static partial Regex Agreement();

    [GeneratedRegex(@"([\d.e+-]+)ms per signature")]
    private static partial Regex Signature();

    [GeneratedRegex(@"PASS \(([\d.e+-]+)ms per validation")]
    private static partial Regex Validation();

    [GeneratedRegex(@"\(took ([\d.]+)ms\)")]
    private static partial Regex Generation();
}
