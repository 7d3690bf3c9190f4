using Lanyard.Wire;

namespace Lanyard.Testing;

/// <summary>
/// Valid identities of simulated nodes. Generating one takes half a second or more of a processor, so some are embedded. Their secret keys are public: they are for
/// simulations only.
/// </summary>
internal static class TestIdentities
{
    private static readonly Lazy<string[]> Embedded = new(Load);
    private static readonly Dictionary<int, string> Generated = [];

    /// <summary>Returns the identity with a number, 0 or more: always the same one.</summary>
    public static Identity Get(int number)
    {
        var embedded = Embedded.Value;
        if (number < embedded.Length)
            return Identity.Parse(embedded[number]);
        lock (Generated)
        {
            if (!Generated.TryGetValue(number, out var text))
                Generated.Add(number, text = Generate(number).ToSecretString());
            return Identity.Parse(text);
        }
    }

    /// <summary>Generates the identity with a number.</summary>
    public static Identity Generate(int number)
    {
        var random = new SimulationRandom((ulong)number);
        return Identity.Generate(random.Fill);
    }

    private static string[] Load()
    {
        using var reader = new StreamReader(typeof(TestIdentities).Assembly.GetManifestResourceStream("identities.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
