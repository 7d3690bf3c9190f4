using System.IO.Compression;
using System.Security.Cryptography;
using Lanyard.Wire.Tests;

namespace Lanyard.Fuzz;

/// <summary>The inputs that are kept for a target: one archive a target, in <c>tests/Lanyard.Fuzz/Corpus</c>.</summary>
internal static class Corpus
{
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The folder of the archives.</summary>
    public static string Folder { get; } = Path.Combine(Path.GetDirectoryName(TestData.PathOf("README.md"))!, "..", "Lanyard.Fuzz", "Corpus");

    /// <summary>The inputs of a target, in the order of their names; none where there is no archive.</summary>
    public static List<byte[]> Read(string target)
    {
        var path = PathOf(target);
        var inputs = new List<byte[]>();
        if (!File.Exists(path))
            return inputs;
        using var archive = ZipFile.OpenRead(path);
        foreach (var entry in archive.Entries)
        {
            using var stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            inputs.Add(bytes.ToArray());
        }

        return inputs;
    }

    /// <summary>Replaces the archive of a target. The same inputs always give the same bytes.</summary>
    public static void Write(string target, IEnumerable<byte[]> inputs)
    {
        Directory.CreateDirectory(Folder);
        using var file = File.Create(PathOf(target));
        using var archive = new ZipArchive(file, ZipArchiveMode.Create);
        foreach (var (name, bytes) in inputs.Select(input => (NameOf(input), input)).DistinctBy(pair => pair.Item1).OrderBy(pair => pair.Item1, StringComparer.Ordinal))
        {
            var entry = archive.CreateEntry(name, CompressionLevel.SmallestSize);
            entry.LastWriteTime = Epoch;
            using var stream = entry.Open();
            stream.Write(bytes);
        }
    }

    /// <summary>The name of an input's file, as libFuzzer gives it: its SHA-1.</summary>
#pragma warning disable CA5350 // libFuzzer names corpus files by SHA-1. Nothing relies on its collision resistance.
    public static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA1.HashData(input));
#pragma warning restore CA5350

    private static string PathOf(string target) => Path.Combine(Folder, target + ".zip");
}
