using System.Globalization;
using Lanyard.Engine;
using Lanyard.Primitives;

namespace Lanyard.Service;

/// <summary>
/// The file <c>trustedpaths</c> of old nodes, which existing nodes still read. Each line describes a physical network: <c>ID=NETWORK/BITS</c>, the ID in hexadecimal
/// digits. The current setting is <c>physical.NETWORK.trustedPathId</c> of <c>local.conf</c>, which takes precedence.
/// </summary>
internal static class TrustedPathsFile
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "trustedpaths";

    private static readonly char[] Separators = ['=', ' ', '\t', '\r'];

    /// <summary>Parses the file. Skips invalid lines.</summary>
    /// <param name="text">The content; null if the file is missing.</param>
    public static IReadOnlyList<LanyardTrustedPath> Parse(string? text)
    {
        var paths = new List<LanyardTrustedPath>();
        foreach (var line in (text ?? "").Split('\n'))
        {
            var fields = line.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 2 && ulong.TryParse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id) && id != 0
                && InetPrefix.TryParse(fields[1], out var network) && network.Bits > 0)
                paths.Add(new LanyardTrustedPath(network, id));
        }

        return paths;
    }
}
