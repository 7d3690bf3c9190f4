using Lanyard.Wire.Tests;

namespace Lanyard.Fuzz;

/// <summary>
/// Runs every target on its corpus, its seeds, and mutations of them that follow from a seed. <c>eng/fuzz</c> runs longer, guided by coverage.
/// LANYARD_FUZZ_INPUTS sets the number of mutations for each target.
/// </summary>
public sealed class CorpusTests
{
    private const long MaxCorpusBytes = 2_000_000;

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_target_takes_its_corpus_and_changed_inputs(string name)
    {
        var target = FuzzTarget.Find(name);
        var inputs = Corpus.Read(name);
        Assert.NotEmpty(inputs);
        inputs.AddRange(target.Seeds());
        foreach (var input in inputs)
            Run(target, input);
        var count = int.TryParse(Environment.GetEnvironmentVariable("LANYARD_FUZZ_INPUTS"), out var set) ? set : target.TestInputs;
        var random = new Random(1);
        for (var i = 0; i < count; i++)
        {
            var changed = Wire.Tests.Fuzz.Mutate(random, inputs[random.Next(inputs.Count)]);
            Run(target, changed.Length > target.MaxInputBytes ? changed[..target.MaxInputBytes] : changed);
        }
    }

    [Fact]
    public void The_corpus_is_small_and_holds_every_target_and_no_other()
    {
        var files = new DirectoryInfo(Corpus.Folder).GetFiles();
        Assert.Equal(FuzzTarget.All.Select(target => target.Name + ".zip").Order(StringComparer.Ordinal), files.Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.InRange(files.Sum(file => file.Length), 1, MaxCorpusBytes);
    }

    [Fact]
    public void Every_seed_of_a_whole_message_is_taken()
    {
        // A corpus of inputs that are all refused at the first byte would find nothing.
        Assert.True(Recorded.Configs().Any(), "the recordings hold configurations");
        Assert.True(Recorded.Payloads().Select(packet => packet.Verb).Distinct().Count() >= 9, "the recordings hold most verbs");
    }

    private static void Run(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Body(input);
        }
        catch (Exception e)
        {
            Assert.Fail($"{target.Name} with the input {Convert.ToHexString(input)}:\n{e}");
        }
    }
}
