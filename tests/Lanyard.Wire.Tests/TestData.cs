using System.Globalization;

namespace Lanyard.Wire.Tests;

/// <summary>Finds the recordings, and converts text to bytes.</summary>
internal static class TestData
{
    /// <summary>The recordings' folders, one for each pairing of node versions.</summary>
    public static readonly string[] Recordings = ["peer-1.14", "peer-1.4.6"];

    /// <summary>The nodes of a recording: the root, and two leaves.</summary>
    public static readonly string[] Nodes = ["r", "a", "b"];

    private static readonly string VectorsFolder = FindVectorsFolder();

    /// <summary>The path of a recorded file.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([VectorsFolder, .. parts]);

    /// <summary>A recorded file's bytes.</summary>
    public static byte[] Bytes(params string[] parts) => File.ReadAllBytes(PathOf(parts));

    /// <summary>A recorded file's text, without white space around it.</summary>
    public static string Text(params string[] parts) => File.ReadAllText(PathOf(parts)).Trim();

    /// <summary>A recorded node's identity, with its secret.</summary>
    public static Identity SecretIdentity(string recording, string node) => Identity.Parse(Text(recording, $"{node}.identity.secret"));

    /// <summary>Bytes from hexadecimal digits; white space and colons between them are ignored.</summary>
    public static byte[] Hex(string digits) => Convert.FromHexString(string.Concat(digits.Where(c => !char.IsWhiteSpace(c) && c != ':')));

    /// <summary>Bytes that a seed decides.</summary>
    public static byte[] RandomBytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Lower-case hexadecimal digits, as expected values are written.</summary>
    public static string ToHex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes).ToLower(CultureInfo.InvariantCulture);

    private static string FindVectorsFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lanyard.slnx")))
                return Path.Combine(folder.FullName, "tests", "vectors");
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Lanyard.slnx.");
    }
}
