namespace Lanyard.Fuzz;

/// <summary>Passes one input to the code under test and checks the invariants afterwards. Throws if one is violated.</summary>
/// <param name="input">Any bytes.</param>
internal delegate void FuzzBody(ReadOnlySpan<byte> input);

/// <summary>One entry point into the code under test.</summary>
/// <param name="Name">The target's name, as <c>eng/fuzz</c> and the corpus file have it.</param>
/// <param name="Body">Runs one input. The same bytes always do the same.</param>
/// <param name="Seeds">Inputs from the recordings and from hand-made messages, from which a new corpus starts.</param>
internal sealed record FuzzTarget(string Name, FuzzBody Body, Func<IEnumerable<byte[]>> Seeds)
{
    /// <summary>The longest input, in bytes, that mutation makes.</summary>
    public int MaxInputBytes { get; init; } = 4_096;

    /// <summary>How many changed inputs an ordinary test run takes.</summary>
    public int TestInputs { get; init; } = 5_000;

    /// <summary>Every target, by name.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        .. WireTargets.All,
        .. NetStackTargets.All,
        .. ServiceTargets.All,
        .. SequenceTargets.All,
    ];

    /// <summary>The target of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static FuzzTarget Find(string name) => All.FirstOrDefault(target => target.Name == name)
        ?? throw new ArgumentException($"There is no fuzz target '{name}'. Targets: {string.Join(", ", All.Select(target => target.Name))}.", nameof(name));
}

/// <summary>A target found a violated invariant.</summary>
internal sealed class FuzzException(string message) : Exception(message);

/// <summary>Checks of invariants.</summary>
internal static class Check
{
    /// <summary>Throws where a condition does not hold.</summary>
    public static void That(bool condition, string message)
    {
        if (!condition)
            throw new FuzzException(message);
    }

    /// <summary>Throws where two values differ.</summary>
    public static void Equal<T>(T expected, T actual, string message, IEqualityComparer<T>? comparer = null)
    {
        if (!(comparer ?? EqualityComparer<T>.Default).Equals(expected, actual))
            throw new FuzzException($"{message}: expected {expected}, got {actual}");
    }

    /// <summary>Throws where two runs of bytes differ.</summary>
    public static void SameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string message)
    {
        if (!expected.SequenceEqual(actual))
            throw new FuzzException($"{message}: expected {Convert.ToHexString(expected)}, got {Convert.ToHexString(actual)}");
    }
}
